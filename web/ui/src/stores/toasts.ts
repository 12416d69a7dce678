/** Short notes at the edge of the page. */

import { create } from 'zustand';

export interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'failed';
}

const SHOWN_MS = 4500;
const MAX_TOASTS = 3;

interface ToastStore {
  toasts: Toast[];
  show: (text: string, kind?: Toast['kind']) => void;
  dismiss: (id: number) => void;
}

let lastId = 0;

export const useToasts = create<ToastStore>((set, get) => ({
  toasts: [],
  show: (text, kind = 'done') => {
    const id = ++lastId;
    set({ toasts: [...get().toasts, { id, text, kind }].slice(-MAX_TOASTS) });
    setTimeout(() => get().dismiss(id), SHOWN_MS);
  },
  dismiss: (id) => set({ toasts: get().toasts.filter((toast) => toast.id !== id) }),
}));
