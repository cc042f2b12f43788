import { InjectionToken } from '@angular/core';

/**
 * What may differ from place to place. It is read from `config.json`, which lies beside the page,
 * when the page starts: the same build serves everywhere. Everybody can read it, so no secrets.
 */
export interface Settings {
  /** Heading and title of the page. */
  readonly title: string;
}

const LONGEST_TITLE = 60;

/** The settings, for whoever injects them. */
export const SETTINGS = new InjectionToken<Settings>('settings');

/** The settings in what `config.json` holds. Throws an error that names what is wrong. */
export function parseSettings(data: unknown): Settings {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new Error('config.json must hold an object.');
  }
  const { title } = data as Record<string, unknown>;
  if (typeof title !== 'string' || title.trim() === '' || title.length > LONGEST_TITLE) {
    throw new Error(`"title" in config.json must be 1 to ${String(LONGEST_TITLE)} characters.`);
  }
  return { title };
}

/** Fetch the settings of the place the page was loaded from. */
export async function loadSettings(fetcher: typeof fetch = fetch): Promise<Settings> {
  const answer = await fetcher('config.json', { cache: 'no-cache' });
  if (!answer.ok) {
    throw new Error(`config.json cannot be read: the server answered ${String(answer.status)}.`);
  }
  let data: unknown;
  try {
    data = await answer.json();
  } catch {
    throw new Error('config.json is not JSON.');
  }
  return parseSettings(data);
}
