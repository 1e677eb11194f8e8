import { readFileSync } from 'node:fs';
import { help } from './help.js';
import { variables } from './settings.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('the variables of agentpay-mcp', () => {
  it('stand in its README and in its help', () => {
    const rows = [...readme.matchAll(/^\| `(AGENTPAY_\w+)` \| (.+?) \| (.+) \|$/gm)];
    const read = rows.map(([, name, unset, says]) => [name, { unset: unset?.replaceAll('`', ''), says }]);
    expect(Object.fromEntries(read)).toEqual(variables);
    for (const name of Object.keys(variables)) expect(help()).toContain(`  ${name} `);
  });
});
