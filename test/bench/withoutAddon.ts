/** `node --import withoutAddon.js …`: the process finds no native addon for signatures, as on a platform that it is not built for. */
import Module from 'node:module';

type Resolve = (request: string, ...rest: unknown[]) => string;
const loader = Module as unknown as { _resolveFilename: Resolve };
const resolve = loader._resolveFilename;

loader._resolveFilename = (request, ...rest) => {
  if (request.startsWith('secp256k1'))
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  return resolve(request, ...rest);
};
