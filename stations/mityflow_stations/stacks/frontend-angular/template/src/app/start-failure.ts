/** Say in place of the page why it cannot start. */
export function showStartFailure(error: unknown): void {
  const alert = document.createElement('p');
  alert.role = 'alert';
  alert.textContent = `The page cannot start: ${error instanceof Error ? error.message : String(error)}`;
  document.body.replaceChildren(alert);
}
