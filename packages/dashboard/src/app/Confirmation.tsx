import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';

/** Asks before something is done that cannot be taken back. Where the focus was it is again afterwards; Escape is No. */
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
  const no = useRef<HTMLButtonElement>(null);
  const questionId = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Enter, pressed without having read, changes nothing.
    no.current?.focus();
    // Only a dialog that is closed gives the focus back; one that is taken out of the page does not.
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={questionId} onCancel={() => onEnd(false)}>
      <p id={questionId}>{question}</p>
      <div className="row">
        <button type="button" className="danger" onClick={() => onEnd(true)}>
          {yes}
        </button>
        <button ref={no} type="button" className="plain" onClick={() => onEnd(false)}>
          No
        </button>
      </div>
    </dialog>
  );
}
