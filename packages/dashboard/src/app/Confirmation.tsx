import { useEffect, useRef, type ReactNode } from 'react';

/** Asks before something is done that cannot be taken back. */
export function Confirmation({
  question,
  yes,
  onEnd,
}: {
  question: string;
  yes: string;
  onEnd: (agreed: boolean) => void;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={yes} onCancel={() => onEnd(false)}>
      <p>{question}</p>
      <div className="row">
        <button type="button" className="danger" onClick={() => onEnd(true)}>
          {yes}
        </button>
        <button type="button" className="plain" onClick={() => onEnd(false)}>
          No
        </button>
      </div>
    </dialog>
  );
}
