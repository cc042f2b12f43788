import { useId, useReducer, useState, type SyntheticEvent } from "react";

import { changed, noItems } from "./items";

/** The page: a list one can add to and remove from, kept in memory. Make it yours. */
export function App({ title }: { readonly title: string }) {
  const [items, change] = useReducer(changed, noItems);

  return (
    <main>
      <h1>{title}</h1>
      <NewItem
        onAdd={(name) => {
          change({ type: "add", name });
        }}
      />
      {items.all.length === 0 ? (
        <p>Nothing here yet.</p>
      ) : (
        <ul>
          {items.all.map(({ id, name }) => (
            <li key={id}>
              <span>{name}</span>
              <button
                type="button"
                aria-label={`Remove ${name}`}
                onClick={() => {
                  change({ type: "remove", id });
                }}
              >
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
    </main>
  );
}

function NewItem({ onAdd }: { readonly onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  const [isRefused, setRefused] = useState(false);
  const inputId = useId();

  function submit(event: SyntheticEvent) {
    event.preventDefault();
    const isEmpty = name.trim() === "";
    setRefused(isEmpty);
    if (!isEmpty) {
      onAdd(name);
      setName("");
    }
  }

  return (
    <form noValidate onSubmit={submit}>
      <label htmlFor={inputId}>Name</label>
      <input
        id={inputId}
        value={name}
        maxLength={100}
        autoComplete="off"
        aria-invalid={isRefused}
        onChange={(event) => {
          setName(event.target.value);
        }}
      />
      <button type="submit">Add</button>
      {isRefused && <p role="alert">Give it a name.</p>}
    </form>
  );
}
