import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A JSON-RPC question as it arrives. */
export interface Question {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A response as it leaves: of a single question, or of each in a batch. */
export interface HttpNode {
  readonly url: string;
  /** Methods of every HTTP request, in order. */
  readonly requests: readonly (readonly string[])[];
  close(): Promise<void>;
}

/** An RPC node over HTTP that answers as it is told. */
export async function openHttpNode(
  answer: (questions: readonly Question[], res: ServerResponse, isBatch: boolean) => void,
): Promise<HttpNode> {
  const requests: string[][] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Question | readonly Question[];
      const questions = [body].flat() as Question[];
      requests.push(questions.map(({ method }) => method));
      answer(questions, res, Array.isArray(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers each question for itself. */
export function answerEach(
  one: (question: Question) => object,
): (questions: readonly Question[], res: ServerResponse, isBatch: boolean) => void {
  return (questions, res, isBatch) => {
    const responses = questions.map((question) => ({ jsonrpc: '2.0', id: question.id, ...one(question) }));
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(isBatch ? responses : responses[0]));
  };
}
