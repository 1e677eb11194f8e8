import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import { lazy, Suspense, type ReactNode } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { AgentList } from './agents/AgentList.js';
import { AgentPage } from './agents/AgentPage.js';
import { ApprovalInbox } from './agents/Approvals.js';
import { PaymentPage } from './agents/PaymentPage.js';
import { Account } from './Account.js';
import { ListingPage } from './listings/ListingPage.js';
import { Overview, PaymentList } from './Overview.js';
import { ScreenPage, Title } from './Screen.js';
import { groups, screens } from './screens/index.js';

/** It signs: only who looks at an agreement loads what that takes. */
const AgreementPage = lazy(() => import('./agreements/AgreementPage.js'));

const STALE_MS = 5000;

/** A refusal stays one; what did not arrive is asked for again, twice. */
const retry = (failures: number, error: Error) =>
  failures < 2 && !(error instanceof ApiError && error.status < 500);

const client = new QueryClient({ defaultOptions: { queries: { retry, staleTime: STALE_MS } } });

export function App(): ReactNode {
  return (
    <QueryClientProvider client={client}>
      <div className="columns">
        <aside>
          <SideNav />
          <Account />
        </aside>
        <div className="content">
          <Suspense fallback={<p role="status">Loading…</p>}>
            <Pages />
          </Suspense>
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
      {screens.map((screen) => (
        <Route key={screen.path} path={screen.path}>
          {(params) => <ScreenPage key={screen.path} screen={screen} params={params} />}
        </Route>
      ))}
      <Route>
        <Title>Not found</Title>
        <p>There is no page at this address.</p>
      </Route>
    </Switch>
  );
}

function SideNav(): ReactNode {
  const [here] = useLocation();
  return (
    <nav aria-label="Dashboard" className="side">
      {groups.map(({ title, links }) => (
        <details key={title} open={links.some(([path]) => path === here) || title === 'Buying'}>
          <summary>{title}</summary>
          <ul>
            {links.map(([path, label]) => (
              <li key={path}>
                <Link href={path} aria-current={path === here ? 'page' : undefined}>
                  {label}
                </Link>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </nav>
  );
}
