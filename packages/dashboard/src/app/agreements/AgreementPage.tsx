import { useQuery } from '@tanstack/react-query';
import { findNetwork } from '@agentpay/primitives';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { DataTable } from '../DataTable.js';
import { money, time } from '../format.js';
import { KeyGate } from '../KeyGate.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { Trace } from '../Trace.js';
import { columns } from '../screens/listed.js';
import { Facts } from '../Value.js';
import { AgreementActions } from './AgreementActions.js';
import { agreementsOf, type AgreementArea, type ShownAgreement } from './agreementsOf.js';

const WATCH_MS = 2000;

/** An agreement: what is locked, used and left, how far it is, and what can be done about it. */
export default function AgreementPage({ id, area }: { id: string; area: AgreementArea }): ReactNode {
  return (
    <>
      <Title>Agreement</Title>
      <KeyGate area={area}>
        <Watched id={id} area={area} />
      </KeyGate>
    </>
  );
}

function Watched({ id, area }: { id: string; area: AgreementArea }): ReactNode {
  const query = useQuery({
    queryKey: [area, 'agreement', id],
    async queryFn(): Promise<ShownAgreement> {
      const [terms, { stuck }] = await Promise.all([
        agreementsOf(area).get({ agreement_id: id }),
        agreementsOf(area).escrowStatus({ agreement_id: id }),
      ]);
      return { ...terms, stuck };
    },
    refetchInterval: WATCH_MS,
  });
  return (
    <Loaded query={query}>
      {(agreement) => (
        <>
          <Money agreement={agreement} />
          <Timeline agreement={agreement} />
          {area === 'agent' && <AgreementActions agreement={agreement} />}
          {area === 'session' && (
            <p>
              <Link href={`/dashboard/runtime/agreements/${id}`}>
                Sign or end it with the key of the agent
              </Link>
            </p>
          )}
          <Terms agreement={agreement} />
          <History id={id} area={area} />
          <Trace id={id} area={area} />
        </>
      )}
    </Loaded>
  );
}

function Money({ agreement }: { agreement: ShownAgreement }): ReactNode {
  const { cap, used, reserved, remaining, units, paid, terms } = agreement;
  return (
    <section className="card" aria-label="Money">
      <Facts
        facts={[
          ['Status', agreement.status, 'status'],
          ['Cap', cap, 'money'],
          ['Used', `${money(used)} by ${units} × ${money(terms.unit_price)} a ${terms.unit}`],
          ['Set aside for calls under way', reserved, 'money'],
          ['Remaining', remaining, 'money'],
          ['Paid to the seller', paid, 'money'],
          ['Currency', terms.currency],
        ]}
      />
      <label>
        Used of the cap
        {/* Drawn, not reckoned with: a float is near enough for the length of a bar. */}
        <progress max={Number(cap)} value={Number(used)} />
      </label>
      {agreement.stuck && (
        <p className="notice">
          Its activation has waited for a transaction for longer than it should. No money is lost: it is
          locked once or not at all.
        </p>
      )}
      {agreement.reason !== null && <p className="notice">Reason: {agreement.reason.replaceAll('_', ' ')}</p>}
    </section>
  );
}

interface Step {
  readonly name: string;
  readonly at: Date | null;
  readonly transaction?: string | null;
}

/** How far it is, first to last; what has not happened yet has no time. */
function Timeline({ agreement }: { agreement: ShownAgreement }): ReactNode {
  const { activation_tx_hash: activation, settlement_tx_hash: settlement, ended_at: ended } = agreement;
  const steps: readonly Step[] = [
    { name: 'Proposed', at: agreement.created_at },
    { name: 'Accepted by the seller', at: agreement.accepted_at },
    { name: 'Signed by the buyer', at: agreement.submitted_at },
    { name: 'Cap locked in escrow', at: agreement.activated_at, transaction: activation },
    { name: 'End of the challenge window', at: agreement.challenge_ends_at },
    { name: 'Settled', at: agreement.status === 'settled' ? ended : null, transaction: settlement },
  ];
  return (
    <section className="card" aria-label="Escrow">
      <h2>Escrow</h2>
      <ol className="steps">
        {steps.map(({ name, at, transaction }) => (
          <li key={name}>
            {name}{' '}
            {at ? (
              <time dateTime={at.toISOString()}>{time(at)}</time>
            ) : (
              <span className="muted">not yet</span>
            )}
            <Transaction hash={transaction} network={agreement.network} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Transaction({
  hash,
  network,
}: {
  hash: string | null | undefined;
  network: string | null;
}): ReactNode {
  if (!hash) return null;
  const explorer = network === null ? undefined : findNetwork(network)?.explorer;
  return (
    <div>
      Transaction{' '}
      {explorer ? (
        <a href={`${explorer}/tx/${hash}`} rel="noreferrer">
          <code>{hash}</code>
        </a>
      ) : (
        <code>{hash}</code>
      )}
    </div>
  );
}

function Terms({ agreement }: { agreement: ShownAgreement }): ReactNode {
  const { terms } = agreement;
  return (
    <section className="card" aria-label="Terms">
      <h2>Terms</h2>
      <Facts
        facts={[
          ['Id', agreement.agreement_id, 'code'],
          ['Money waits', agreement.funding],
          ['Network', agreement.network],
          ['Service', agreement.service_id, 'code'],
          ['Buyer', agreement.buyer_agent_id, 'code'],
          ['Wallet of the buyer', agreement.buyer_wallet_address, 'code'],
          ['Seller', agreement.seller_agent_id, 'code'],
          ['Wallet of the seller', agreement.seller_wallet_address, 'code'],
          ['Usage ends', terms.ends_at],
          ['Challenge window in seconds', terms.challenge_window_seconds],
          ['A call takes at most, in seconds', terms.sla_seconds],
          ['Description', terms.description],
        ]}
      />
    </section>
  );
}

function History({ id, area }: { id: string; area: AgreementArea }): ReactNode {
  const query = useQuery({
    queryKey: [area, 'agreement', id, 'history'],
    queryFn: () => agreementsOf(area).history({ agreement_id: id }),
    refetchInterval: WATCH_MS,
  });
  return (
    <section className="card" aria-label="What happened">
      <h2>What happened</h2>
      <Loaded query={query}>
        {({ history }) => (
          <DataTable
            caption="History"
            columns={columns('at', 'event', 'status')}
            rows={history}
            empty="Nothing has happened yet."
          />
        )}
      </Loaded>
    </section>
  );
}
