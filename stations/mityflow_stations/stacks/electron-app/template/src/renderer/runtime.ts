import type { DesktopApi } from '../shared/api';
import { elementOf } from './elements';

/** Say what the page runs on. It also works in a browser, which has no API of the application. */
export async function showRuntime(page: Document, desktop: DesktopApi | undefined): Promise<void> {
  const place = elementOf(page, 'runtime', HTMLElement);
  if (!desktop) {
    place.textContent = 'In a browser';
    return;
  }
  try {
    const { electron, version } = await desktop.appInfo();
    place.textContent = `Electron ${electron}, version ${version} of the application`;
  } catch {
    place.textContent = 'The application does not answer.';
  }
}
