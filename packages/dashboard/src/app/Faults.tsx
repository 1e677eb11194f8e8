import { Component, type ReactNode } from 'react';

interface Fault {
  readonly fault?: Error;
}

/** Says so when a page breaks, or its part could not be loaded, as after a new release of the dashboard. */
export class Faults extends Component<{ readonly children: ReactNode }, Fault> {
  override state: Fault = {};

  static getDerivedStateFromError(fault: Error): Fault {
    return { fault };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (!fault) return this.props.children;
    return (
      <div role="alert">
        <p>
          <strong>This page could not be shown.</strong> {fault.message}
        </p>
        <button className="plain" type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
