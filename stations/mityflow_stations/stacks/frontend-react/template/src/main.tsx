import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { readSettings } from "./settings";
import "./index.css";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no element with the id 'root'");
}
const { title } = readSettings(import.meta.env);
document.title = title;
createRoot(root).render(
  <StrictMode>
    <App title={title} />
  </StrictMode>,
);
