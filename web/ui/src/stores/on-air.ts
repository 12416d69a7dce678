/** Whether this very tab is the publisher: known everywhere, so that no page lets go of a stream unseen. */

import { create } from 'zustand';

export const useOnAir = create<{ channel: string | null; isReconnecting: boolean }>(() => ({ channel: null, isReconnecting: false }));
