import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable } from '../DataTable.js';
import { Loaded } from '../Loaded.js';
import { evidenceFields, evidenceOf } from '../screens/listed.js';
import { Facts } from '../Value.js';

const api = () => ownApi().buyer;
type Paid = Awaited<ReturnType<ReturnType<typeof api>['transactions']['get']>>;

/** A dispute about a payment of the user's agent: what is said, the evidence of both sides, and what the user can add or take back. */
export function Disputed({ id, paid }: { id: string; paid: Paid }): ReactNode {
  const which = { id, transaction_id: paid.id };
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'transactions', paid.id, 'dispute', paid.dispute?.status],
    queryFn: () => api().disputes.get(which),
  });
  return (
    <Loaded query={query}>
      {({ evidence, ...dispute }) => (
        <>
          <Facts
            facts={[
              ['Id', dispute.id, 'code'],
              ['Status', dispute.status, 'status'],
              ['Opened by', sideAs(paid.role, dispute.openedBy)],
              ['Reason', dispute.reason],
              ['What happened', dispute.description],
              ['What the operator wrote', dispute.note],
              ['Opened', dispute.createdAt],
              ['Decided', dispute.resolvedAt],
            ]}
          />
          <h3>Evidence</h3>
          <DataTable
            name="evidence"
            caption="Evidence"
            columns={evidenceOf('createdAt', 'by')}
            rows={evidence.map((each) => ({ ...each, by: sideAs(paid.role, each.by) }))}
            empty="There is no evidence yet."
          />
          {undecided.includes(dispute.status) && <AddEvidence which={which} />}
          {dispute.status === 'open' && dispute.openedBy === paid.role && (
            <ActionForm
              submit="Withdraw the dispute"
              ask={() => 'Withdraw the dispute? The payment stands then.'}
              run={() => api().disputes.withdraw(which)}
            />
          )}
        </>
      )}
    </Loaded>
  );
}

const undecided: readonly string[] = ['open', 'under_review'];

const sideAs = (own: Paid['role'], side: Paid['role']) => (side === own ? 'This agent' : 'The other side');

function AddEvidence({ which }: { which: { id: string; transaction_id: string } }): ReactNode {
  return (
    <ActionForm
      fields={evidenceFields}
      submit="Add evidence"
      run={({ type = '', content = '', file = '' }, key) =>
        api().disputes.addEvidence({ ...which, type, content: file || content, idempotency_key: key })
      }
    >
      {() => <span role="status">Added.</span>}
    </ActionForm>
  );
}
