/** Our own icons: 24 units, strokes in the text's colour. */

const PATHS = {
  play: <path d="M8 5.2v13.6l11-6.8z" fill="currentColor" stroke="currentColor" />,
  pause: <path d="M8 5v14M16 5v14" strokeWidth="3.5" />,
  volume: <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11" />,
  muted: <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5" />,
  fullscreen: <path d="M4 9V4.5h5M15 4.5h5V9M20 15v4.5h-5M9 19.5H4V15" />,
  shrink: <path d="M9 4v4.5H4M20 8.5h-5V4M15 20v-4.5h5M4 15.5h5V20" />,
  pip: <path d="M3.5 5.5h17v13h-17zM12 12h6v4.5h-6z" />,
  quality: <path d="M4 7h9M17 7h3M13.5 5v4M4 12h3M11 12h9M8.5 10v4M4 17h10M18 17h2M15.5 15v4" />,
  captions: <path d="M3.5 5.5h17v13h-17zM10.5 10.3a2.3 2.3 0 1 0 0 3.4M17 10.3a2.3 2.3 0 1 0 0 3.4" />,
  stats: <path d="M4 19.5h16M6.5 16v-4M11 16V6M15.5 16v-7M20 16v-2.5" />,
  help: <path d="M9 9.2a3 3 0 1 1 4.3 2.7c-.9.45-1.3 1-1.3 2.1M12 17.4v.1M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17" />,
  share: <path d="M12 14.5v-11M8 7l4-3.5L16 7M5 12v6.5a1.5 1.5 0 0 0 1.5 1.5h11a1.5 1.5 0 0 0 1.5-1.5V12" />,
  copy: <path d="M8.5 8.5h11v11h-11zM15.5 8.5v-4h-11v11h4" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  eye: <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6" />,
  eyeOff: <path d="m4 4 16 16M9.9 5.8c.7-.2 1.4-.3 2.1-.3 6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6.3 7.5A16.5 16.5 0 0 0 2.5 12S6 18.5 12 18.5c1.6 0 3-.45 4.3-1.1M10 10.1a2.8 2.8 0 0 0 3.9 3.9" />,
  sun: <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />,
  moon: <path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10" />,
  person: <path d="M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 20.5c.6-3.7 3.7-6 7.5-6s6.9 2.3 7.5 6" />,
  warning: <path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 16.9v.1" />,
  alert: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 8v5M12 16v.1" />,
  close: <path d="m6 6 12 12M18 6 6 18" />,
  chevron: <path d="m6 9.5 6 6 6-6" />,
  key: <path d="M8 11.5a4 4 0 1 0 0 8 4 4 0 0 0 0-8M11 12.5l8.5-8.5M16 7.5l3 3" />,
  signal: <path d="M12 11.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M8 9a5.6 5.6 0 0 0 0 8M16 9a5.6 5.6 0 0 1 0 8M5 6a9.8 9.8 0 0 0 0 14M19 6a9.8 9.8 0 0 1 0 14" />,
  speed: <path d="M4.5 18a9 9 0 1 1 15 0M12 14.5l4-5M12 14.5v.1" />,
  clip: <path d="M6.5 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M6.5 14.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M8.6 8.5 20 17.5M8.6 15.5 20 6.5" />,
  download: <path d="M12 4v11M7.5 11l4.5 4.5L16.5 11M5 19.5h14" />,
  trash: <path d="M4.5 6.5h15M9.5 6.5v-2.5h5v2.5M6.5 6.5l.8 13h9.4l.8-13M10.2 10.5v5.5M13.8 10.5v5.5" />,
  edit: <path d="M4.5 19.5l1-4.5L16.2 4.3l3.5 3.5L9 18.5zM14 6.5l3.5 3.5" />,
  replay: <path d="M5 12a7 7 0 1 0 2.2-5.1M4.5 4v4h4" />,
  lock: <path d="M6 10.5h12v9H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5" />,
  heart: <path d="M12 19.5 4.7 12.3a4.6 4.6 0 0 1 6.5-6.5l.8.8.8-.8a4.6 4.6 0 0 1 6.5 6.5z" />,
  heartFull: <path d="M12 19.5 4.7 12.3a4.6 4.6 0 0 1 6.5-6.5l.8.8.8-.8a4.6 4.6 0 0 1 6.5 6.5z" fill="currentColor" />,
  film: <path d="M4 5h16v14H4zM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4" />,
  forward: <path d="M5 5.5v13l8-6.5zM14 5.5v13l6-6.5z" fill="currentColor" />,
  camera: <path d="M3.5 7h11v10h-11zM14.5 10.5l6-3.5v10l-6-3.5" />,
  cameraOff: <path d="M8 7h6.5v6.5M14.5 10.5l6-3.5v10l-3-1.75M14.5 17h-11V7M3 3l18 18" />,
  microphone: <path d="M12 3.5a2.7 2.7 0 0 0-2.7 2.7v5a2.7 2.7 0 0 0 5.4 0v-5A2.7 2.7 0 0 0 12 3.5M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3M8.5 20.5h7" />,
  microphoneOff: <path d="M9.3 9.3v1.9a2.7 2.7 0 0 0 4.3 2.2M14.7 11V6.2a2.7 2.7 0 0 0-5.2-1M5.5 11a6.5 6.5 0 0 0 10.6 5M18.1 13a6.5 6.5 0 0 0 .4-2M12 17.5v3M8.5 20.5h7M3 3l18 18" />,
  screen: <path d="M3.5 5h17v11.5h-17zM9 20h6M12 16.5V20M12 13.5v-5M9.5 10.5l2.5-2.5 2.5 2.5" />,
  chat: <path d="M4 5.5h16v11h-8.5L7.5 20v-3.5H4zM8 9.5h8M8 12.8h5" />,
  send: <path d="M4 12 20 4.5 15 20l-3.5-6.5zM11.5 13.5 20 4.5" />,
  smile: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M8.5 14a4.3 4.3 0 0 0 7 0M9 9.5v.1M15 9.5v.1" />,
  reply: <path d="M9.5 6 4 11.5l5.5 5.5M4.5 11.5H14a6 6 0 0 1 6 6v1" />,
  more: <path d="M5 12v.1M12 12v.1M19 12v.1" strokeWidth="2.6" />,
  pin: <path d="M9 3.5h6l-.5 6 3 3.5h-11l3-3.5zM12 13v7.5" />,
  clock: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 7.5V12l3 2" />,
  ban: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M6 6l12 12" />,
  flag: <path d="M6 20.5v-17M6 4.5h11.5l-2.5 4 2.5 4H6" />,
  megaphone: <path d="M4 10v4h3l9 4.5v-13L7 10zM19 9.5a4 4 0 0 1 0 5M8 14.5l1 5h2l-.8-4" />,
  sparkle: <path d="M12 3.5 13.8 10 20.5 12l-6.7 2L12 20.5 10.2 14 3.5 12l6.7-2z" />,
  hide: <path d="M4 5h16v14H4zM15 5v14M7.5 9l3 3-3 3" />,
  search: <path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5l5 5" />,
  star: <path d="m12 3.5 2.6 5.4 5.9.8-4.3 4.2 1 5.9L12 17l-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z" />,
  plus: <path d="M12 5v14M5 12h14" />,
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8"
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {PATHS[name]}
    </svg>
  );
}
