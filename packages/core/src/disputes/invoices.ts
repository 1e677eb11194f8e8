import { AgentPayError, newId } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import { get as getInvoice, refund, setDisputed } from '../billing/index.js';
import type { Invoice } from '../billing/index.js';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { emit } from '../events/index.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalLines, checkText } from '../text.js';
import { isUndecided, opened } from './Dispute.js';
import type { Dispute, DisputeEvent } from './Dispute.js';
import { disputeMoved, disputeOpened, emissionOf } from './events.js';
import * as store from './DisputeStore.js';
import { stepOf } from './step.js';

/**
 * Opens the one dispute about an invoice. For its customer, and for those who pay for an organization. While it is undecided the invoice
 * does not become overdue.
 * @throws AgentPayError `invoice_not_found`, `invoice_wrong_state` for a void one, `dispute_window_closed`, `duplicate_dispute`
 */
export async function openOnInvoice(
  core: Core,
  request: { principal: Principal; invoiceId: string; reason: string; description?: string | undefined },
): Promise<Dispute> {
  const { principal, invoiceId } = request;
  const reason = checkText('reason', request.reason);
  const description = checkOptionalLines('description', request.description);
  assertDisputable(core, await getInvoice(core, { principal, invoiceId }));
  const dispute: Dispute = {
    ...opened,
    id: newId('invoice_dispute', core),
    invoiceId,
    openerId: principal.party.id,
    otherId: null,
    reason,
    description,
    createdAt: new Date(core.clock.now()),
  };
  return core.db.tx(async (tx) => {
    if (!(await store.disputes.insertNew(tx, dispute)))
      throw new AgentPayError('duplicate_dispute', 'There is a dispute about this invoice already.');
    await setDisputed(tx, { invoiceId, disputed: true });
    await emit(core, tx, disputeOpened, emissionOf(dispute));
    return dispute;
  });
}

/** What happens to a dispute about an invoice; a refund makes it void, and gives back what was paid. */
export function moveOnInvoice(
  core: Core,
  request: { principal: Principal; disputeId: string; event: DisputeEvent; note: string | null },
): Promise<Dispute> {
  const { principal, disputeId, event, note } = request;
  return core.db.tx(async (tx) => {
    const dispute = (await store.lockDispute(tx, disputeId)) as Dispute;
    const status = stepOf(dispute, event, principal);
    if (status === undefined) return dispute;
    const invoiceId = dispute.invoiceId as string;
    if (event === 'refund') await refund(core, tx, { invoiceId });
    const resolvedAt = isUndecided(status) ? null : new Date(core.clock.now());
    if (resolvedAt !== null) await setDisputed(tx, { invoiceId, disputed: false });
    const [moved] = (await store.disputes.update(tx, { id: disputeId }, { status, note, resolvedAt })) as [
      Dispute,
    ];
    await emit(core, tx, disputeMoved[event], emissionOf(moved));
    if (principal.party.kind === 'platform')
      await record(core, tx, {
        principal,
        act: `dispute.${event}`,
        subject: disputeId,
        tenants: [moved.openerId],
        before: { status: dispute.status },
        after: { status, note },
      });
    return moved;
  });
}

function assertDisputable(core: Core, { status, endedAt }: Invoice): void {
  if (status === 'void')
    throw new AgentPayError('invoice_wrong_state', 'The invoice is void: nothing is owed.', {
      reason: status,
    });
  const { windowDays } = core.settings.disputes;
  if (endedAt !== null && core.clock.now() > endedAt.getTime() + windowDays * DAY_MS)
    throw new AgentPayError(
      'dispute_window_closed',
      `Invoices are disputed within ${windowDays} days of their payment.`,
    );
}
