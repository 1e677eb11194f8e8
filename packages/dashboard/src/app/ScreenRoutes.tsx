import type { ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { ScreenPage } from './Screen.js';
import { screens } from './screens/index.js';
import { Title } from './Title.js';

/** The pages that are described as data, and the one for addresses that have none. */
export default function ScreenRoutes(): ReactNode {
  return (
    <Switch>
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
