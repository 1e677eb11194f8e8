import { useQuery } from '@tanstack/react-query';
import { ApiError, signActivation, walletAccount } from '@agentpay/sdk';
import type { ReactNode } from 'react';
import { ActionForm, filled } from '../ActionForm.js';
import { money } from '../format.js';
import { Refusal } from '../Loaded.js';
import { agreementsOf, type ShownAgreement } from './agreementsOf.js';
import { findWallet } from './findWallet.js';

const api = () => agreementsOf('agent');

/** What the agent whose key was given can do about an agreement now. */
export function AgreementActions({ agreement }: { agreement: ShownAgreement }): ReactNode {
  switch (agreement.status) {
    case 'proposed':
      return <Answer agreement={agreement} />;
    case 'accepted':
    case 'activation_failed':
      return <Activation agreement={agreement} />;
    case 'active':
      return <End agreement={agreement} />;
    case 'challenge_window':
      return <Challenge agreement={agreement} />;
    default:
      return null;
  }
}

function Answer({ agreement: { agreement_id, funding } }: { agreement: ShownAgreement }): ReactNode {
  return (
    <section className="card" aria-label="The proposal">
      <h2>The proposal</h2>
      <p className="muted">It is for the seller to take or not.</p>
      <ActionForm
        fields={
          funding === 'onchain'
            ? [
                {
                  name: 'seller_wallet_address',
                  label: 'Address that is paid; empty is the wallet that is kept here',
                  placeholder: '0x…',
                  optional: true,
                },
              ]
            : []
        }
        submit="Accept"
        run={(given) => api().accept({ agreement_id, ...filled(given) })}
      />
      <ActionForm
        submit="Reject"
        ask={() => 'Reject this agreement? It ends then.'}
        run={() => api().reject({ agreement_id })}
      />
    </section>
  );
}

/** The buyer locks the cap. On a chain their wallet signs for it; what it signs is checked first. */
function Activation({ agreement }: { agreement: ShownAgreement }): ReactNode {
  const { agreement_id, funding, cap, buyer_wallet_address: address, terms } = agreement;
  const due = useQuery({
    queryKey: ['agent', 'agreement', agreement_id, 'package'],
    queryFn: () => api().activationPackage({ agreement_id }),
    // There is none any more once it is signed.
    meta: { once: true },
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  const signed = async () => {
    const wallet = findWallet();
    if (!wallet)
      throw new Error('There is no wallet in this browser. The program of the agent can sign, too.');
    const account = await walletAccount(wallet, address === null ? {} : { address });
    // Read anew: what is signed for the fee does not last long.
    const activationPackage = await api().activationPackage({ agreement_id });
    return signActivation({ account, activationPackage });
  };
  if (due.error instanceof ApiError && due.error.status === 403)
    return <p className="notice">It waits for the buyer, who locks the cap.</p>;
  if (due.error) return <Refusal error={due.error} retry={() => void due.refetch()} />;
  const fee = due.data?.infra_fee;
  return (
    <section className="card" aria-label="Activate">
      <h2>Activate</h2>
      <p>
        {money(cap)} {terms.currency} are locked in escrow
        {funding === 'onchain' && (
          <> by a signature of {address === null ? 'a wallet' : <code>{address}</code>}</>
        )}
        . What is not used comes back.
        {fee?.pending &&
          ` The platform takes a fee of ${money(fee.amount)}, for which there is a second signature.`}
      </p>
      <ActionForm
        submit={funding === 'onchain' ? 'Sign with a wallet and activate' : 'Activate'}
        run={async () => api().activate({ agreement_id, ...(funding === 'onchain' && (await signed())) })}
      >
        {() => <span role="status">It is under way.</span>}
      </ActionForm>
    </section>
  );
}

function End({ agreement: { agreement_id, used, remaining } }: { agreement: ShownAgreement }): ReactNode {
  return (
    <section className="card" aria-label="End of usage">
      <h2>End of usage</h2>
      <p className="muted">The challenge window begins then; after it the seller is paid what was used.</p>
      <ActionForm
        submit="End the usage"
        ask={() => `End it with ${money(used)} used? ${money(remaining)} come back to the buyer.`}
        run={() => api().complete({ agreement_id })}
      />
    </section>
  );
}

function Challenge({ agreement: { agreement_id } }: { agreement: ShownAgreement }): ReactNode {
  return (
    <section className="card" aria-label="Challenge">
      <h2>Challenge</h2>
      <p className="muted">The buyer can object until the window ends; a dispute decides then.</p>
      <ActionForm
        fields={[
          { name: 'reason', label: 'Reason', initial: 'calls_failed' },
          { name: 'description', label: 'What happened', type: 'lines', optional: true },
        ]}
        submit="Object to the settlement"
        run={(given) => api().challenge({ agreement_id, ...(filled(given) as { reason: string }) })}
      />
    </section>
  );
}
