import { elementOf } from './elements';
import { type Item, ItemStore } from './items';

/** An example page: a list one can add to and remove from. Make it yours. */
export function startItems(page: Document, store = new ItemStore()): void {
  const form = elementOf(page, 'new-item', HTMLFormElement);
  const input = elementOf(page, 'name', HTMLInputElement);
  const list = elementOf(page, 'items', HTMLElement);

  const show = () => {
    list.replaceChildren(
      store.items.length > 0 ? listOf(store.items, remove) : paragraph('Nothing here yet.'),
    );
  };
  const remove = (id: number) => {
    store.remove(id);
    show();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const added = store.add(input.value) !== undefined;
    showError(form, input, added ? '' : 'Give it a name.');
    if (added) {
      form.reset();
      show();
    }
  });
  show();
}

function listOf(items: readonly Item[], remove: (id: number) => void): HTMLElement {
  const list = document.createElement('ul');
  list.role = 'list';
  list.append(...items.map((item) => entryOf(item, remove)));
  return list;
}

function entryOf(item: Item, remove: (id: number) => void): HTMLElement {
  const name = document.createElement('span');
  name.textContent = item.name;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Remove';
  button.ariaLabel = `Remove ${item.name}`;
  button.addEventListener('click', () => {
    remove(item.id);
  });
  const entry = document.createElement('li');
  entry.append(name, button);
  return entry;
}

function showError(form: HTMLFormElement, input: HTMLInputElement, message: string): void {
  document.getElementById('name-error')?.remove();
  input.toggleAttribute('aria-describedby', false);
  input.ariaInvalid = String(message !== '');
  if (message) {
    const alert = paragraph(message);
    alert.id = 'name-error';
    alert.role = 'alert';
    form.after(alert);
    input.setAttribute('aria-describedby', alert.id);
  }
}

function paragraph(text: string): HTMLElement {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
