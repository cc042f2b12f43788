import { createApp } from "vue";

import App from "./App.vue";
import { createPages } from "./pages";
import { readSettings } from "./settings";
import "./index.css";

const { title } = readSettings(import.meta.env);
document.title = title;
createApp(App).use(createPages(title)).mount("#app");
