import type { ServerResponse } from 'node:http';

/** Methods that change the head of a response. Once it has gone out, Node throws for each of them. */
const HEAD_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;
/** Methods that write on the connection at once. */
const RAW_METHODS = ['writeContinue', 'writeProcessing', 'writeInformation'] as const;

type Method = (...args: unknown[]) => unknown;

/**
 * Lets what a handler does to the head of a response go nowhere once `isLate`: a handler that does not know that its client has left, or
 * that it took too long, must not end the process by an error that cannot be caught.
 * @param isLate asked at each call, with a function that tells whether the head has gone out to the client
 */
export function silenceLate(res: ServerResponse, isLate: (wasSent: () => boolean) => boolean): void {
  const prototype = Object.getPrototypeOf(res) as object;
  const native = (name: 'headersSent' | 'writableEnded') => Reflect.get(prototype, name, res) === true;
  const late = () => isLate(() => native('headersSent'));
  const methods = res as unknown as Record<string, Method | undefined>;
  const guard = (name: string, isSilent: () => boolean, result: unknown) => {
    const original = methods[name];
    if (original) methods[name] = (...args) => (isSilent() ? result : original.apply(res, args));
  };
  for (const name of HEAD_METHODS) guard(name, late, name === 'removeHeader' ? undefined : res);
  for (const name of RAW_METHODS) guard(name, late, undefined);
  // A pipeline that breaks destroys the response, which by then may be ours and still be on its way.
  guard('destroy', () => late() && native('writableEnded'), res);
}
