import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { meQuery, useMe } from '../api/queries';
import type { Me } from '../api/types';
import { effective, useTheme } from '../stores/theme';
import { useToasts } from '../stores/toasts';
import { Avatar } from './Avatar';
import { Icon } from './Icon';
import { Logo } from './Logo';

export function Header() {
  const { data: me, isPending } = useMe();
  return (
    <header className="header">
      <Link to="/" className="header-home" aria-label="Tallylight, home"><Logo /></Link>
      <nav className="header-nav" aria-label="Main">
        <ThemeSwitch />
        {isPending ? <span className="skeleton round" style={{ width: 36, height: 36 }} /> : me ? <AccountMenu me={me} /> : <SignedOut />}
      </nav>
    </header>
  );
}

function SignedOut() {
  return (
    <>
      <Link to="/login" className="button quiet">Sign in</Link>
      <Link to="/signup" className="button primary wide-only">Sign up</Link>
    </>
  );
}

function ThemeSwitch() {
  const { choice, toggle } = useTheme();
  const next = effective(choice) === 'dark' ? 'light' : 'dark';
  return (
    <button type="button" className="icon-button" aria-label={`Switch to the ${next} theme`} title={`Switch to the ${next} theme`} onClick={toggle} data-testid="theme">
      <Icon name={next === 'light' ? 'sun' : 'moon'} />
    </button>
  );
}

function AccountMenu({ me }: { me: Me }) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => setOpen(false);

  useEffect(() => {
    if (!isOpen) return;
    box.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const outside = (event: PointerEvent) => !box.current?.contains(event.target as Node) && close();
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);

  const move = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      close();
      button.current?.focus();
    }
    if (event.key === 'Tab') close();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!isOpen || step === undefined) return;
    event.preventDefault();
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
    const here = items.indexOf(document.activeElement as HTMLElement);
    items[(here + step + items.length) % items.length]?.focus();
  };

  return (
    <div className="menu-box" ref={box} onKeyDown={move}>
      <button ref={button} type="button" className="menu-button" aria-haspopup="menu" aria-expanded={isOpen} aria-label={`Account menu of ${me.user.displayName}`}
        data-testid="account" onClick={() => setOpen(!isOpen)}>
        <Avatar name={me.user.username} displayName={me.user.displayName} url={me.user.avatarUrl} size={32} />
        <Icon name="chevron" size={16} />
      </button>
      {isOpen && (
        <div className="menu" role="menu">
          <p className="menu-head"><b>{me.user.displayName}</b><span className="muted">{me.user.username}</span></p>
          {me.channels.map((channel) => (
            <Link key={channel.id} role="menuitem" to="/$channel" params={{ channel: channel.name }} onClick={close}>
              {me.channels.length === 1 ? 'My channel' : channel.name}
            </Link>
          ))}
          <Link role="menuitem" to="/dashboard" onClick={close}>{me.channels.length === 0 ? 'Create a channel' : 'Dashboard'}</Link>
          <Link role="menuitem" to="/settings" onClick={close}>Settings</Link>
          <SignOut onDone={close} />
        </div>
      )}
    </div>
  );
}

function SignOut({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const show = useToasts((toasts) => toasts.show);
  const logout = useMutation({
    mutationFn: api.logout,
    onSuccess: async () => {
      onDone();
      await navigate({ to: '/' });
      client.setQueryData(meQuery.queryKey, null);
      client.removeQueries({ predicate: ({ queryKey }) => ['stream-key', 'ingest'].includes(String(queryKey[0])) });
    },
    onError: (error) => show(messageOf(error), 'failed'),
  });
  return <button type="button" role="menuitem" onClick={() => logout.mutate()} disabled={logout.isPending}>Sign out</button>;
}
