/** The tally lamp: lit while the page shows something that is on air. The logo and the tab's icon follow it. */

import { useEffect } from 'react';
import { create } from 'zustand';

export const useLamp = create<{ isLit: boolean }>(() => ({ isLit: false }));

/** Light the lamp for as long as this page says so. */
export function useLampWhile(isLit: boolean): void {
  useEffect(() => {
    useLamp.setState({ isLit });
    return () => useLamp.setState({ isLit: false });
  }, [isLit]);
}
