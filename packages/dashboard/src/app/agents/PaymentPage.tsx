import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { apiOf } from '../api.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Screen.js';
import { Facts } from '../Value.js';

/** A payment of one of the user's agents. */
export function PaymentPage({ id, payment }: { id: string; payment: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'transactions', payment],
    queryFn: () => apiOf('session').buyer.transactions.get({ id, transaction_id: payment }),
  });
  return (
    <>
      <Title>Payment</Title>
      <Loaded query={query}>
        {(paid) => (
          <section className="card" aria-label="Payment">
            <Facts
              facts={[
                ['Id', paid.id, 'code'],
                ['Amount', paid.amount, 'money'],
                ['Currency', paid.currency],
                ['Rail', paid.rail],
                ['Status', paid.status, 'status'],
                ['To', paid.to, 'code'],
                ['Time', paid.createdAt],
              ]}
            />
          </section>
        )}
      </Loaded>
      <p>
        <Link href={`/dashboard/agents/${id}`}>The agent that paid</Link>
      </p>
    </>
  );
}
