/** JSON for programs; amounts as decimal digits. */
export function jsonText(value: object): string {
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member), 2);
}
