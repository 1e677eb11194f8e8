import { variables } from './settings.js';

/** What `agentpay-mcp --help` prints. */
export function help(): string {
  const rows = Object.entries(variables).map(([name, { unset, says }]) => {
    const text = says.replaceAll('`', '');
    return `  ${name.padEnd(24)}${text}${unset === 'none' ? '' : ` (${unset})`}`;
  });
  return `Usage: agentpay-mcp

The calls of the AgentPay API as tools of the Model Context Protocol, on standard input and output: a client such as Claude starts it.

Environment:
${rows.join('\n')}

Options:
  -h, --help              prints this
  -V, --version           prints the version
`;
}
