import type { ReactNode } from 'react';
import { plain, tone, type Kind } from './format.js';

/** A value as a page shows it. React escapes every text. */
export function Value({ value, kind }: { value: unknown; kind: Kind }): ReactNode {
  const text = plain(value);
  if (value === null || value === undefined) return <span className="muted">{text}</span>;
  if (value instanceof Date)
    return (
      <time dateTime={value.toISOString()} title={value.toISOString()}>
        {text}
      </time>
    );
  switch (kind) {
    case 'status':
      return <span className={tone(text)}>{text.replaceAll('_', ' ')}</span>;
    case 'code':
      return <code title={text}>{text}</code>;
    case 'long':
      return <Long text={text} />;
    default:
      return text;
  }
}

const MOST_SHOWN = 120;

/** A text that may be as long as a file: its beginning, and all of it when asked. */
function Long({ text }: { text: string }): ReactNode {
  if (text.length <= MOST_SHOWN) return text;
  return (
    <details>
      <summary>{text.slice(0, MOST_SHOWN)}…</summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

/** Names and values of one object. */
export function Facts({ facts }: { facts: readonly (readonly [string, unknown, Kind?])[] }): ReactNode {
  return (
    <dl className="facts">
      {facts.map(([name, value, kind = 'text']) => (
        <div className="fact" key={name}>
          <dt>{name}</dt>
          <dd>
            <Value value={value} kind={kind} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
