import { useQuery } from '@tanstack/react-query';
import { findNetwork } from '@agentpay/primitives';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ActionForm, filled } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { money } from '../format.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { Trace } from '../Trace.js';
import { Facts, Value } from '../Value.js';
import { Disputed } from './Disputed.js';

const api = () => ownApi().buyer;
type Paid = Awaited<ReturnType<ReturnType<typeof api>['transactions']['get']>>;

const WATCH_MS = 5000;

/** A payment of one of the user's agents: how far it is, its entries in the books, its events and who was told of them. */
export default function PaymentPage({ id, payment }: { id: string; payment: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'transactions', payment],
    queryFn: () => api().transactions.get({ id, transaction_id: payment }),
    refetchInterval: WATCH_MS,
  });
  return (
    <>
      <Title>Payment</Title>
      <Loaded query={query}>
        {(paid) => (
          <>
            <Money paid={paid} />
            <Lifecycle paid={paid} />
            <MoneyBack id={id} paid={paid} />
            <Dispute id={id} paid={paid} />
            <Trace id={payment} area="session" agentId={id} />
          </>
        )}
      </Loaded>
      <p>
        <Link href={`/dashboard/agents/${id}`}>The agent</Link>
      </p>
    </>
  );
}

function Money({ paid }: { paid: Paid }): ReactNode {
  const explorer = findNetwork(paid.currency.split('@')[1] ?? '')?.explorer;
  const isHash = /^0x[0-9a-f]{64}$/.test(paid.reference ?? '');
  return (
    <section className="card" aria-label="Payment">
      <Facts
        facts={[
          ['Id', paid.id, 'code'],
          ['Amount', paid.amount, 'money'],
          ['Fee', paid.fee, 'money'],
          ['Given back', paid.refunded, 'money'],
          ['On its way back', paid.refunding === 0n ? null : paid.refunding, 'money'],
          ['Currency', paid.currency],
          ['Rail', paid.rail],
          ['Status', paid.status, 'status'],
          ['Why it failed', paid.failure],
          ['To', paid.to, 'code'],
          ['For', paid.description],
          ['Begun', paid.createdAt],
          ['Completed', paid.completedAt],
          [isHash ? 'Transaction on the chain' : 'Reference', paid.reference, 'code'],
        ]}
      />
      {explorer && isHash && (
        <a href={`${explorer}/tx/${paid.reference}`} rel="noreferrer">
          Look at it on the chain
        </a>
      )}
    </section>
  );
}

/** How far it is, first to last; what has not happened has no time. */
function Lifecycle({ paid }: { paid: Paid }): ReactNode {
  const { status, createdAt, completedAt, failure, refunded, dispute } = paid;
  const steps: readonly (readonly [name: string, at: Date | null])[] = [
    ['Begun', createdAt],
    failure === null ? ['Completed', completedAt] : [`Failed: ${failure.replaceAll('_', ' ')}`, null],
    ...(dispute ? [['Disputed', dispute.createdAt] as const] : []),
    ...(dispute?.resolvedAt ? [['Dispute decided', dispute.resolvedAt] as const] : []),
  ];
  return (
    <section className="card" aria-label="Lifecycle">
      <h2>Lifecycle</h2>
      <ol className="steps">
        {steps.map(([name, at]) => (
          <li key={name}>
            {name}{' '}
            {at ? (
              <Value value={at} kind="time" />
            ) : (
              failure === null && <span className="muted">not yet</span>
            )}
          </li>
        ))}
        {refunded > 0n && <li>{`${status === 'refunded' ? 'All' : money(refunded)} given back`}</li>}
      </ol>
    </section>
  );
}

/** What was received is given back here. */
function MoneyBack({ id, paid }: { id: string; paid: Paid }): ReactNode {
  if (paid.status !== 'completed' || paid.role !== 'payee') return null;
  return (
    <section className="card" aria-label="Money back">
      <h2>Money back</h2>
      <Refund id={id} paid={paid} />
    </section>
  );
}

/** What was paid is disputed here; a dispute that somebody has opened is shown to both sides. */
function Dispute({ id, paid }: { id: string; paid: Paid }): ReactNode {
  if (paid.dispute === null && (paid.status !== 'completed' || paid.role !== 'payer')) return null;
  return (
    <section className="card" aria-label="Dispute">
      <h2>Dispute</h2>
      {paid.dispute ? <Disputed id={id} paid={paid} /> : <Complaint id={id} paid={paid} />}
    </section>
  );
}

function Complaint({ id, paid }: { id: string; paid: Paid }): ReactNode {
  return (
    <>
      <p>
        Who was paid can give the money back. What was not delivered can be disputed: the operator reads what
        both sides say, and decides.
      </p>
      <ActionForm
        fields={[
          { name: 'reason', label: 'Reason', initial: 'service_not_delivered' },
          { name: 'description', label: 'What happened', type: 'lines', optional: true },
        ]}
        submit="Open a dispute"
        ask={() => `Dispute the payment of ${money(paid.amount)}? A payment is disputed once.`}
        run={({ reason = '', ...given }, key) =>
          api().transactions.dispute({
            id,
            transaction_id: paid.id,
            reason,
            ...filled(given),
            idempotency_key: key,
          })
        }
      />
    </>
  );
}

function Refund({ id, paid }: { id: string; paid: Paid }): ReactNode {
  const left = paid.amount - paid.refunded - paid.refunding;
  if (left === 0n) return <p>All of it is on its way back.</p>;
  return (
    <>
      <p>
        This agent was paid. Of it {money(left)} can be given back, from its wallet to that of the payer; the
        fee stays paid.
      </p>
      <ActionForm
        fields={[
          { name: 'amount', label: 'Amount; empty is all of it', type: 'amount', optional: true },
          { name: 'reason', label: 'Reason', optional: true },
        ]}
        submit="Refund"
        ask={({ amount }) => `Give ${amount || money(left)} back to the payer? It cannot be taken back.`}
        run={(given, key) =>
          api().transactions.refund({
            id,
            transaction_id: paid.id,
            ...filled(given),
            idempotency_key: key,
          })
        }
      >
        {({ refunded }) => <span role="status">Given back so far: {money(refunded)}.</span>}
      </ActionForm>
    </>
  );
}
