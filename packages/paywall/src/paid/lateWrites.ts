import type { ServerResponse } from 'node:http';

/** What changes the head of a response. Once that has gone out, Node throws for each of them, in whatever turn of the loop. */
const HEAD_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;
/** What writes on the connection without regard to whose turn it is there. */
const RAW_METHODS = ['writeContinue', 'writeProcessing', 'writeInformation'] as const;

type Method = (...args: unknown[]) => unknown;

/**
 * Lets what a handler does to the head of a response go nowhere once `isLate`: a handler that does not know that its client has left, or
 * that it took too long, must not end the process by a throw that nobody can catch.
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
