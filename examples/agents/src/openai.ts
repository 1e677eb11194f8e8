import { agentpayTools, ask } from './agentpayTools.js';

/** An agent on the chat completions of OpenAI, or of anything that speaks them, that may use an AgentPay wallet, for at most ten turns. */
const {
  AGENTPAY_URL = 'http://127.0.0.1:3100',
  AGENTPAY_API_KEY = '',
  OPENAI_URL = 'https://api.openai.com/v1',
  OPENAI_API_KEY = '',
  OPENAI_MODEL = 'gpt-5-mini',
} = process.env;
interface Message {
  readonly role: string;
  readonly content: string | null;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}
interface Reply {
  readonly choices: readonly { readonly message: Message }[];
}

const agentpay = await agentpayTools(AGENTPAY_URL, AGENTPAY_API_KEY);
const tools = agentpay.tools.map(({ name, description, inputSchema }) => ({
  type: 'function',
  function: { name, description, parameters: inputSchema },
}));
const messages: object[] = [
  { role: 'user', content: process.argv[2] ?? 'What is in my wallets? Answer in one sentence.' },
];
const headers = { authorization: `Bearer ${OPENAI_API_KEY}` };

for (let turn = 0; turn < 10; turn++) {
  const body = { model: OPENAI_MODEL, tools, messages };
  const { choices } = await ask<Reply>(`${OPENAI_URL}/chat/completions`, headers, body);
  const message = choices[0]?.message;
  if (!message?.tool_calls?.length) {
    console.log(message?.content ?? '');
    process.exit();
  }
  messages.push(message);
  for (const { id, function: asked } of message.tool_calls) {
    const content = await agentpay.call(asked.name, JSON.parse(asked.arguments) as Record<string, unknown>);
    messages.push({ role: 'tool', tool_call_id: id, content });
  }
}
throw new Error('No response after ten turns.');
