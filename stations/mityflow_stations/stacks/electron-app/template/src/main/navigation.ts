import type { WebContents } from 'electron';

/** Whether an address is that of the application's own page, whatever follows `?` or `#`. */
export function isOwnPage(address: string, page: string): boolean {
  if (!URL.canParse(address)) {
    return false;
  }
  return withoutEnd(address) === withoutEnd(page);
}

/** Whether an address may be opened in the person's browser. */
export function mayOpenOutside(address: string): boolean {
  return URL.canParse(address) && new URL(address).protocol === 'https:';
}

/** Keep a window on its own page: links to elsewhere are opened in the browser, or not at all. */
export function lockNavigation(
  contents: Pick<WebContents, 'on' | 'setWindowOpenHandler'>,
  page: string,
  openOutside: (address: string) => void,
): void {
  const leave = (address: string) => {
    if (mayOpenOutside(address)) {
      openOutside(address);
    }
  };
  contents.setWindowOpenHandler(({ url }) => {
    leave(url);
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url, page)) {
      event.preventDefault();
      leave(event.url);
    }
  });
  contents.on('will-redirect', (event) => {
    if (!isOwnPage(event.url, page)) {
      event.preventDefault();
    }
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
}

function withoutEnd(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  // Browsers and Node.js do not escape the same characters of a path.
  return `${protocol}//${host}${decodeURI(pathname)}`;
}
