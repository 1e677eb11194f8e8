import { formatDecimal } from '@agentpay/primitives';
import type { ReactNode } from 'react';
import { ActionForm } from '../ActionForm.js';
import { ownApi } from '../api.js';

interface AgentLimits {
  readonly perTransaction: bigint;
  readonly daily: bigint;
  readonly monthly: bigint;
}

/** What an agent may spend. */
export function Limits({ id, limits }: { id: string; limits: AgentLimits }): ReactNode {
  const field = (name: keyof AgentLimits, label: string) => {
    return { name, label, type: 'amount', initial: formatDecimal(limits[name]) } as const;
  };
  return (
    <section className="card" aria-label="Spending limits">
      <h2>Spending limits</h2>
      <p className="muted">In units of the asset; 0 is no limit. Days and months are those of UTC.</p>
      <ActionForm
        fields={[
          field('perTransaction', 'Per transaction'),
          field('daily', 'A day'),
          field('monthly', 'A month'),
        ]}
        submit="Save limits"
        run={(given) => ownApi().buyer.agents.setLimits({ id, ...given })}
      >
        {() => <span role="status">Saved.</span>}
      </ActionForm>
    </section>
  );
}

/** Whom an agent may pay. */
export function AllowList({ id, sellers }: { id: string; sellers: readonly string[] }): ReactNode {
  return (
    <section className="card" aria-label="Allow list">
      <h2>Allow list</h2>
      <ActionForm
        fields={[
          {
            name: 'sellers',
            label: 'Addresses that may be paid, one a line; none is anybody',
            type: 'lines',
            optional: true,
            initial: sellers.join('\n'),
          },
        ]}
        submit="Save allow list"
        run={({ sellers: text = '' }) =>
          ownApi().buyer.agents.setAllowlist({ id, sellers: text.split(/\s+/).filter(Boolean) })
        }
      >
        {({ sellers: saved }) => <span role="status">Saved: {saved.length || 'anybody'}.</span>}
      </ActionForm>
    </section>
  );
}
