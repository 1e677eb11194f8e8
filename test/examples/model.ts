import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** What a model's API was asked. */
export interface Asked {
  readonly path: string;
  readonly body: {
    readonly tools: readonly { readonly name?: string; readonly function?: { readonly name: string } }[];
    readonly messages: readonly {
      readonly role: string;
      readonly content: unknown;
      readonly tool_calls?: unknown;
    }[];
  };
}

export interface StandInModel {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/**
 * Stands in for the APIs of models, Claude's and OpenAI's: asks for one tool, and then answers with what the tool gave.
 */
export async function standInModel(tool: string, input: object): Promise<StandInModel> {
  const asked: Asked[] = [];
  const server: Server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const body = JSON.parse(text) as Asked['body'];
      asked.push({ path: request.url as string, body });
      const reply = request.url === '/v1/messages' ? claude(body) : openai(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  function claude({ messages }: Asked['body']): object {
    const last = messages.at(-1);
    if (!Array.isArray(last?.content))
      return { content: [{ type: 'tool_use', id: 'use_1', name: tool, input }], stop_reason: 'tool_use' };
    const [result] = last.content as { content: string }[];
    return { content: [{ type: 'text', text: `The tool says ${result?.content}` }], stop_reason: 'end_turn' };
  }

  function openai({ messages }: Asked['body']): object {
    const last = messages.at(-1);
    if (last?.role !== 'tool') {
      const call = {
        id: 'call_1',
        type: 'function',
        function: { name: tool, arguments: JSON.stringify(input) },
      };
      return { choices: [{ message: { role: 'assistant', content: null, tool_calls: [call] } }] };
    }
    return {
      choices: [{ message: { role: 'assistant', content: `The tool says ${String(last.content)}` } }],
    };
  }

  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}
