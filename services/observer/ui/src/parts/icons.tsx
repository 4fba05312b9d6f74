// All icons, drawn on a grid of 16 with one stroke, in the colour of the text around them.
import type { ReactNode } from "react";

const DRAWN = {
  parked: (
    <>
      <path d="M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2z" />
      <path d="M8 4.8v3.7M8 11v.1" />
    </>
  ),
  blocked: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M6.3 5.6v4.8M9.7 5.6v4.8" />
    </>
  ),
  retrying: (
    <>
      <path d="M13.9 8.4A6 6 0 1 1 12 3.6l1.8 1.7" />
      <path d="M14 2v3.4h-3.4" />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M6.6 5.4v5.2L10.8 8z" fill="currentColor" />
    </>
  ),
  unknown: (
    <>
      <circle cx="8" cy="8" r="6.2" strokeDasharray="2.4 2" />
      <path d="M6.3 6.4a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.2v.1" />
    </>
  ),
  completed: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="m5.3 8.2 1.9 1.9 3.6-4" />
    </>
  ),
  compensated: (
    <>
      <path d="M2.6 6.6h7a3.6 3.6 0 0 1 0 7.2H6" />
      <path d="M5.4 3.6 2.4 6.6l3 3" />
    </>
  ),
  settled: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M5.4 8h5.2" />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 4.6V8l2.3 1.5" />
    </>
  ),
  done: <path d="m3.4 8.6 3 3 6.2-7" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.6" />
      <path d="m10.6 10.6 3.4 3.4" />
    </>
  ),
  close: <path d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4" />,
  right: <path d="m6 3.6 4.4 4.4L6 12.4" />,
  left: <path d="M10 3.6 5.6 8l4.4 4.4" />,
  down: <path d="M3.6 6 8 10.4 12.4 6" />,
  up: <path d="M8 13V3.4M4 7.2l4-4 4 4" />,
  fold: <path d="M3.6 10.4 8 6l4.4 4.4" />,
  link: (
    <>
      <path d="M6.8 9.2a2.6 2.6 0 0 0 3.8 0l2.4-2.4A2.7 2.7 0 0 0 9.2 3L8 4.2" />
      <path d="M9.2 6.800a2.6 2.6 0 0 0-3.8 0L3 9.200A2.7 2.7 0 0 0 6.8 13L8 11.8" />
    </>
  ),
  out: <path d="M6.4 3.4H3.200v9.400h9.400V9.600M9.4 2.800h3.800v3.800M13 3 7.6 8.4" />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.400v1.400M8 13.200v1.400M1.4 8h1.400M13.2 8h1.400M3.3 3.300l1 1M11.7 11.700l1 1M3.3 12.700l1-1M11.7 4.300l1-1" />
    </>
  ),
  moon: <path d="M13.4 9.600A5.8 5.8 0 1 1 6.4 2.600a4.7 4.7 0 0 0 7 7z" />,
  screen: (
    <>
      <rect x="2" y="2.8" width="12" height="8.4" rx="1.2" />
      <path d="M5.6 13.600h4.8" />
    </>
  ),
  help: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M6.3 6.400a1.8 1.8 0 1 1 2.5 1.700c-.6.3-.8.6-.8 1.200M8 11.200v.1" />
    </>
  ),
  pause: <path d="M5.4 3.400v9.200M10.6 3.400v9.2" />,
  play: <path d="M4.6 3v10l8-5z" />,
  lock: (
    <>
      <rect x="3.2" y="7" width="9.6" height="6.4" rx="1.2" />
      <path d="M5.4 7V5.200a2.6 2.6 0 0 1 5.2 0V7" />
    </>
  ),
  table: (
    <>
      <rect x="2" y="2.8" width="12" height="10.4" rx="1.2" />
      <path d="M2 6.400h12M2 9.800h12M6.2 6.400v6.8" />
    </>
  ),
  copy: (
    <>
      <rect x="5.4" y="5.4" width="8.2" height="8.2" rx="1.2" />
      <path d="M10.6 5.400V3.600a1.2 1.2 0 0 0-1.2-1.200H3.600a1.2 1.2 0 0 0-1.2 1.200v5.800a1.2 1.2 0 0 0 1.2 1.200h1.8" />
    </>
  ),
  filters: <path d="M2.4 4.400h11.200M4.600 8h6.800M6.600 11.600h2.8" />,
  away: (
    <>
      <path d="M2.4 6.600A8.4 8.4 0 0 1 5 4.900M13.6 6.600a8.4 8.4 0 0 0-5.4-2.400M4.8 9.200a5 5 0 0 1 2-1.200M11.2 9.200l-.4-.4" />
      <path d="M8 12.400v.1M2.6 2.600l10.8 10.8" />
    </>
  ),
  warning: (
    <>
      <path d="M8 2.2 14.4 13.400H1.600z" />
      <path d="M8 6.600v3M8 11.400v.1" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWN;

/** Decoration: the words beside it say the same. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {DRAWN[name]}
    </svg>
  );
}
