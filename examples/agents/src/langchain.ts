import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import { tool, type StructuredToolInterface } from '@langchain/core/tools';
import { agentpayTools } from './agentpayTools.js';

/** The calls of the AgentPay API as tools of LangChain, for any agent of it. */
export async function langchainTools(url: string, apiKey: string): Promise<StructuredToolInterface[]> {
  const agentpay = await agentpayTools(url, apiKey);
  return agentpay.tools.map(({ name, description = name, inputSchema }) =>
    tool((input) => agentpay.call(name, input as Record<string, unknown>), {
      name,
      description,
      schema: inputSchema,
    }),
  );
}

/** Asks a chat model of LangChain, such as `new ChatAnthropic(…)`, that may use the tools, for at most ten turns. */
export async function answer(
  model: BaseChatModel,
  { question, tools }: { question: string; tools: readonly StructuredToolInterface[] },
): Promise<string> {
  if (!model.bindTools) throw new Error('This model cannot use tools.');
  const agent = model.bindTools([...tools]);
  const messages: BaseMessage[] = [new HumanMessage(question)];
  for (let turn = 0; turn < 10; turn++) {
    const reply = await agent.invoke(messages);
    messages.push(reply);
    if (!reply.tool_calls?.length) return reply.text;
    for (const call of reply.tool_calls) {
      const asked = tools.find(({ name }) => name === call.name);
      const content: unknown = asked ? await asked.invoke(call.args) : 'There is no such tool.';
      messages.push(new ToolMessage({ content: String(content), tool_call_id: call.id ?? '' }));
    }
  }
  throw new Error('No response after ten turns.');
}
