import { useEffect, type ReactNode } from 'react';

/** Names the page, for the tab and for whoever listens. */
export function Title({ children }: { children: string }): ReactNode {
  useEffect(() => {
    document.title = `${children} · AgentPay`;
  }, [children]);
  return <h1>{children}</h1>;
}
