import { unknownOption } from '@agentpay/primitives';

/** Refuses unknown members. @throws TypeError with the likely spelling */
export function checkKnown(given: object, known: readonly string[], where: string): void {
  const unknown = unknownOption(given, known);
  if (unknown) throw new TypeError(`${where}: unknown option "${unknown.name}"; ${unknown.advice}`);
}
