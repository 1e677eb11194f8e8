import { pascal, quote, snake } from './names.mjs';

/** The module that puts the families together: nouns of the runtime API at the top, the others under the name of their family. */
export function indexModule(families, credentials) {
  const imports = families
    .map(({ id }) => [id, ['', 'Async'].map((prefix) => `${prefix}${pascal(id)}Family`)])
    .map(
      ([id, names]) =>
        `from .${id} import OPERATIONS as ${id}_operations\nfrom .${id} import ${names.sort().join(', ')}\n`,
    );
  const all = families.map(({ id }) => `**${id}_operations`).join(', ');
  return `# Written by generate.mjs from the endpoint definitions; do not edit.
from __future__ import annotations

from .._credential import Credential
from .._operation import AsyncCaller, Caller, Operation
${imports.join('')}
OPERATIONS: dict[str, Operation] = {${all}}

CREDENTIALS: dict[str, Credential] = {
${credentialRows(credentials)}}
${rootClass(families, '')}${rootClass(families, 'Async')}`;
}

function rootClass(families, prefix) {
  const others = families.filter(({ id }) => id !== 'runtime');
  const lines = others.map(({ id }) => `        self.${snake(id)} = ${prefix}${pascal(id)}Family(caller)\n`);
  return `

class ${prefix}Api(${prefix}RuntimeFamily):
    """Every call of the API by noun and verb."""

    def __init__(self, caller: ${prefix}Caller) -> None:
        super().__init__(caller)
${lines.join('')}`;
}

function credentialRows(credentials) {
  // A session belongs to a browser.
  const rows = Object.entries(credentials).filter(([kind]) => kind !== 'session');
  return rows
    .map(([kind, { header, scheme = '', prefixes }]) => {
      const known = prefixes.map((prefix) => `${quote(prefix)},`).join(' ');
      return `    ${quote(kind)}: Credential(${quote(header)}, ${quote(scheme)}, (${known})),\n`;
    })
    .join('');
}
