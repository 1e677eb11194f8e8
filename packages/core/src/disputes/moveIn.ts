import { recordIn } from '../audit/index.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { isUndecided } from './Dispute.js';
import type { Dispute, DisputeEvent, DisputeStatus } from './Dispute.js';
import { disputeMoved, tell } from './events.js';
import * as store from './DisputeStore.js';

/** Moves a dispute and tells of it; what the operator did is noted, before and after as they are given. */
export function moveIn(
  core: Core,
  scene: Scene,
  dispute: Dispute,
  move: {
    principal: Principal;
    event: DisputeEvent;
    status: DisputeStatus;
    note: string | null;
    noted: { before: object; after: object };
  },
): Dispute {
  const { principal, event, status, note, noted } = move;
  const resolvedAt = isUndecided(status) ? null : new Date(core.clock.now());
  const moved = scene.update(store.disputeRows, dispute, { status, note, resolvedAt });
  tell(core, scene, disputeMoved[event], moved);
  if (principal.party.kind === 'platform')
    recordIn(core, scene, {
      principal,
      act: `dispute.${event}`,
      subject: dispute.id,
      tenants: [dispute.openerId, dispute.otherId],
      ...noted,
    });
  return moved;
}
