/** The element of this id. Throws an error where there is none: then the page and its script do not match. */
export function elementOf<Kind extends HTMLElement>(
  page: Document,
  id: string,
  kind: new () => Kind,
): Kind {
  const found = page.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`The page has no ${kind.name} with the id ${id}.`);
  }
  return found;
}
