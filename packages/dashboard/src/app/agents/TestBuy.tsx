import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import type { ReactNode } from 'react';
import { ownApi } from '../api.js';
import { Refusal } from '../Loaded.js';
import { Facts } from '../Value.js';

type Outcome = Awaited<ReturnType<ReturnType<typeof ownApi>['buyer']['agents']['testBuy']>>;
type Bought = Extract<Outcome, { success: true }>;

/** Buys from the demo seller as the agent would, and shows each step of it. */
export function TestBuy({ id }: { id: string }): ReactNode {
  const queries = useQueryClient();
  const buy = useMutation({
    mutationFn: () => ownApi().buyer.agents.testBuy({ id }),
    onSettled: () => queries.invalidateQueries(),
  });
  return (
    <section className="card" aria-label="Test Buy">
      <h2>Test Buy</h2>
      <p className="muted">Asks the demo seller, is told 402, and pays within the limits of this agent.</p>
      <button type="button" disabled={buy.isPending} onClick={() => buy.mutate()}>
        Test Buy
      </button>
      <div aria-live="polite">
        {buy.isPending && <p role="status">Buying…</p>}
        {buy.data?.success === true && <Steps bought={buy.data} />}
        {buy.data?.success === false && <Waiting waiting={buy.data} />}
        {buy.error && <Refused error={buy.error} />}
      </div>
    </section>
  );
}

function Steps({ bought: { payment, sellerResponse, agent } }: { bought: Bought }): ReactNode {
  return (
    <ol className="steps">
      <li>
        <h3>The seller asked for a payment (402)</h3>
        <Facts
          facts={[
            ['Protocol', payment.protocol],
            ['Price', payment.amount],
          ]}
        />
      </li>
      <li>
        <h3>
          The decision <span className="badge ok">allowed</span>
        </h3>
        <p>Limits, allow list and rules of the agent let it pass.</p>
      </li>
      <li>
        <h3>The proof</h3>
        <Facts
          facts={[
            ['Signed by', agent.address, 'code'],
            ['Payment', payment.transactionId, 'code'],
            ['Transaction on the chain', payment.txHash, 'code'],
          ]}
        />
        {payment.explorer !== null && (
          <a href={payment.explorer} rel="noreferrer">
            Look at it on the chain
          </a>
        )}
      </li>
      <li>
        <h3>The seller's response</h3>
        <pre tabIndex={0}>{JSON.stringify(sellerResponse, null, 2)}</pre>
      </li>
    </ol>
  );
}

function Waiting({ waiting }: { waiting: Extract<Outcome, { success: false }> }): ReactNode {
  return (
    <ol className="steps">
      <li>
        <h3>The seller asked for {waiting.amount} (402)</h3>
      </li>
      <li>
        <h3>
          The decision <span className="badge warning">waits for you</span>
        </h3>
        <p>It is above the threshold of a rule. Nothing is signed until you approve it, below.</p>
        <Facts
          facts={[
            ['Approval', waiting.approval_id, 'code'],
            ['Until', waiting.expiresAt],
          ]}
        />
      </li>
    </ol>
  );
}

const DECIDED = /policy|limit|allow|rule|fund|archived|approval/;

function Refused({ error }: { error: Error }): ReactNode {
  const decided = error instanceof ApiError && DECIDED.test(error.reason + error.code.toLowerCase());
  return (
    <ol className="steps">
      <li>
        <h3>The seller was asked</h3>
      </li>
      <li>
        <h3>
          The decision <span className="badge danger">{decided ? 'refused' : 'not bought'}</span>
        </h3>
        {error instanceof ApiError && (
          <p>
            Reason <code>{error.reason}</code>
          </p>
        )}
        <Refusal error={error} />
        {decided && <p>Nothing was signed and nothing was paid.</p>}
      </li>
    </ol>
  );
}
