import { useEffect } from 'react';

/** The document's title while this page shows: "TITLE · Tallylight". */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Tallylight` : 'Tallylight';
  }, [title]);
}
