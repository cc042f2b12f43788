import { createRouter, createWebHistory, type Router, type RouterHistory } from "vue-router";

import HomePage from "./HomePage.vue";
import NotFoundPage from "./NotFoundPage.vue";

/** The pages by their paths. */
export function createPages(title: string, history: RouterHistory = createWebHistory()): Router {
  return createRouter({
    history,
    routes: [
      { path: "/", component: HomePage, props: { title } },
      { path: "/:rest(.*)*", component: NotFoundPage },
    ],
  });
}
