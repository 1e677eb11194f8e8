import type { World } from '../world.js';

/** An agent of the user whose session the world has; gives its id. */
export async function ownedAgent({ api, credential }: World, name = 'Bought by'): Promise<string> {
  const response = await api.http.post('/api/agents').set(credential('session')).send({ name }).expect(201);
  return (response.body as { id: string }).id;
}

/** Sends a write of the owner to an agent of theirs; gives the response's body. */
export async function write(
  { api, credential }: World,
  method: 'post' | 'put' | 'patch',
  path: string,
  body: object = {},
): Promise<Record<string, unknown> & { id: string }> {
  const response = await api.http[method](path).set(credential('session')).send(body);
  expect([response.status, response.body]).toEqual([method === 'post' ? 201 : 200, response.body]);
  return response.body as Record<string, unknown> & { id: string };
}
