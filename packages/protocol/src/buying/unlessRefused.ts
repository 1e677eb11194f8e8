import { isAgentPayError, type AgentPayError } from '@agentpay/primitives';

/** What is read, or undefined with the refusal among `refusals`: one offer that cannot be paid spoils no other. */
export function unlessRefused<T>(read: () => T, refusals: AgentPayError[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    refusals.push(error);
    return undefined;
  }
}
