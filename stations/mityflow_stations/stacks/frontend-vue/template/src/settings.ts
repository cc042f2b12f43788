/** Settings, taken from the environment when the page is built. */
export interface Settings {
  /** The title of the page: `VITE_APP_TITLE`. */
  readonly title: string;
}

const DEFAULT_TITLE = "{{ app_name_title }}";
const LONGEST_TITLE = 60;

/** The settings that an environment holds. Throws for a value that is wrong. */
export function readSettings(env: Readonly<Record<string, unknown>>): Settings {
  const title = env["VITE_APP_TITLE"] ?? DEFAULT_TITLE;
  if (typeof title !== "string" || title.trim() === "" || title.length > LONGEST_TITLE) {
    throw new Error(`VITE_APP_TITLE must have 1 to ${String(LONGEST_TITLE)} characters`);
  }
  return { title };
}
