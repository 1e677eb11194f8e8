import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import { lazy, Suspense, type ReactNode } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { AgentList } from './agents/AgentList.js';
import { Account } from './Account.js';
import { Faults } from './Faults.js';
import { Overview, PaymentList } from './Overview.js';
import { SideNav } from './SideNav.js';

/** What a first look does not need is loaded when it is looked at. */
const AgentPage = lazy(() => import('./agents/AgentPage.js'));
const PaymentPage = lazy(() => import('./agents/PaymentPage.js'));
const ApprovalInbox = lazy(() => import('./agents/ApprovalInbox.js'));
const ListingPage = lazy(() => import('./listings/ListingPage.js'));
const AgreementPage = lazy(() => import('./agreements/AgreementPage.js'));
const ScreenRoutes = lazy(() => import('./ScreenRoutes.js'));

const STALE_MS = 5000;

/** A refusal stays one; what did not arrive is asked for again, twice. */
const retry = (failures: number, error: Error) =>
  failures < 2 && !(error instanceof ApiError && error.status < 500);

const client = new QueryClient({ defaultOptions: { queries: { retry, staleTime: STALE_MS } } });

export function App(): ReactNode {
  const [here] = useLocation();
  return (
    <QueryClientProvider client={client}>
      <div className="columns">
        <aside>
          <SideNav>
            <Account />
          </SideNav>
        </aside>
        <div className="content">
          <Faults key={here}>
            <Suspense fallback={<p role="status">Loading…</p>}>
              <Pages />
            </Suspense>
          </Faults>
        </div>
      </div>
    </QueryClientProvider>
  );
}

function Pages(): ReactNode {
  return (
    <Switch>
      <Route path="/dashboard">
        <Overview />
      </Route>
      <Route path="/dashboard/agents">
        <AgentList />
      </Route>
      <Route path="/dashboard/agents/:id">{({ id }) => <AgentPage key={id} id={id} />}</Route>
      <Route path="/dashboard/agents/:id/payments/:payment">
        {({ id, payment }) => <PaymentPage id={id} payment={payment} />}
      </Route>
      <Route path="/dashboard/payments">
        <PaymentList />
      </Route>
      <Route path="/dashboard/approvals">
        <ApprovalInbox />
      </Route>
      <Route path="/dev/dashboard/listings/:id">{({ id }) => <ListingPage key={id} id={id} />}</Route>
      <Route path="/dashboard/agreements/:id">
        {({ id }) => <AgreementPage key={id} id={id} area="session" />}
      </Route>
      <Route path="/dashboard/runtime/agreements/:id">
        {({ id }) => <AgreementPage key={id} id={id} area="agent" />}
      </Route>
      <Route>
        <ScreenRoutes />
      </Route>
    </Switch>
  );
}
