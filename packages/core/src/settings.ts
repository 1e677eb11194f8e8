import { AgentPayError } from '@agentpay/primitives';

/** @throws AgentPayError `invalid_request` for a setting that cannot work */
export function assertSetting(holds: boolean, setting: string, what: string): void {
  if (!holds) throw new AgentPayError('invalid_request', `The setting ${setting} must be ${what}.`);
}
