import { agentpayTools, ask } from './agentpayTools.js';

/** An agent on Claude's Messages API that may use an AgentPay wallet, for at most ten turns. */
const {
  AGENTPAY_URL = 'http://127.0.0.1:3100',
  AGENTPAY_API_KEY = '',
  ANTHROPIC_URL = 'https://api.anthropic.com',
  ANTHROPIC_API_KEY = '',
  ANTHROPIC_MODEL = 'claude-sonnet-4-5',
} = process.env;
type Block =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool_use';
      readonly id: string;
      readonly name: string;
      readonly input: Record<string, unknown>;
    };
interface Reply {
  readonly content: readonly Block[];
  readonly stop_reason: string;
}

const agentpay = await agentpayTools(AGENTPAY_URL, AGENTPAY_API_KEY);
const tools = agentpay.tools.map(({ name, description, inputSchema }) => ({
  name,
  description,
  input_schema: inputSchema,
}));
const messages: object[] = [
  { role: 'user', content: process.argv[2] ?? 'What is in my wallets? Answer in one sentence.' },
];
const headers = { 'x-api-key': ANTHROPIC_API_KEY, 'anthropic-version': '2023-06-01' };

for (let turn = 0; turn < 10; turn++) {
  const body = { model: ANTHROPIC_MODEL, max_tokens: 1024, tools, messages };
  const { content, stop_reason } = await ask<Reply>(`${ANTHROPIC_URL}/v1/messages`, headers, body);
  messages.push({ role: 'assistant', content });
  if (stop_reason !== 'tool_use') {
    console.log(content.map((block) => (block.type === 'text' ? block.text : '')).join(''));
    process.exit();
  }
  const results: object[] = [];
  for (const block of content) {
    if (block.type !== 'tool_use') continue;
    const result = await agentpay.call(block.name, block.input);
    results.push({ type: 'tool_result', tool_use_id: block.id, content: result });
  }
  messages.push({ role: 'user', content: results });
}
throw new Error('No response after ten turns.');
