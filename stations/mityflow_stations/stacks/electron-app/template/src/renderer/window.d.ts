import type { DesktopApi } from '../shared/api';

declare global {
  interface Window {
    /** Given by the preload script; a browser has none. */
    readonly desktop?: DesktopApi;
  }
}
