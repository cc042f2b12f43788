"""Routes, imports and tests as people write them, beyond what our own applications show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from stationkit import declare_built_ins
from test_analyze import analysis, covered, imports, put, routes


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def found(workspace: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """What is found in these files."""
    for name, text in files.items():
        put(workspace / "my-app", name, text)
    return analysis(workspace)


def test_fastapi_routers_are_below_the_prefixes_of_all_that_include_them(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "shop/__init__.py": "",
            "shop/main.py": """
from fastapi import FastAPI
from . import orders as o
from shop.items import router as items_router
def make():
    app = FastAPI()
    app.include_router(items_router, prefix='/v1')
    app.include_router(items_router, prefix='/v2')
    app.include_router(o.router)
    @app.get('/')
    def root(): ...
    @app.api_route('/both', methods=['GET', 'POST'])
    def both(): ...
""",
            "shop/items.py": """
from fastapi import APIRouter
from shop.parts import parts
router = APIRouter(prefix='/items')
router.include_router(parts)
@router.delete('/{id}')
async def remove(id): ...
client.get('/not/a/route')
""",
            "shop/parts.py": """
import fastapi
parts = fastapi.APIRouter(prefix='/parts')
@parts.get('')
def all(): ...
@elsewhere.get('/unknown')
def unknown(): ...
""",
            "shop/orders.py": """
from fastapi import APIRouter
router = APIRouter()
@router.put(PATH)
def put(): ...
""",
            "shop/late.py": """
from fastapi import FastAPI
def add(app: FastAPI):
    @app.websocket('/ws')
    def ws(): ...
    app.add_api_route('/late', late, methods=['PATCH'])
""",
        },
    )

    assert sorted(routes(given)) == [
        "DELETE /v1/items/{id}", "DELETE /v2/items/{id}", "GET /", "GET /both", "GET /v1/items/parts",
        "GET /v2/items/parts", "PATCH /late", "POST /both", "PUT /<PATH>", "WEBSOCKET /ws",
    ]  # fmt: skip


def test_routers_that_include_each_other_end(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "a.py": """
from fastapi import APIRouter
from b import b
a = APIRouter(prefix='/a')
a.include_router(b)
@a.get('/x')
def x(): ...
""",
            "b.py": "from fastapi import APIRouter\nfrom a import a\nb = APIRouter(prefix='/b')\nb.include_router(a)\n",
        },
    )

    assert routes(given)
    assert all(route.endswith("/a/x") for route in routes(given))


def test_python_imports_are_found_in_packages_of_any_layout(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/pkg/__init__.py": "from .inner import thing\n",
            "src/pkg/inner/__init__.py": "from .deep import thing\nfrom .. import other\n",
            "src/pkg/inner/deep.py": "import pkg.other\nfrom ...no import x\nimport json, numpy.linalg\n",
            "src/pkg/other.py": "thing = 1\n",
            "json.py": "",
            "scripts/run.py": "from pkg.inner.deep import *\n",
        },
    )

    assert imports(given) == {
        "json.py": [],
        "scripts/run.py": ["src/pkg/inner/deep.py"],
        "src/pkg/__init__.py": ["src/pkg/inner/__init__.py"],
        "src/pkg/inner/__init__.py": ["src/pkg/inner/deep.py", "src/pkg/other.py"],
        "src/pkg/inner/deep.py": ["src/pkg/other.py"],
        "src/pkg/other.py": [],
    }
    assert next(m["packages"] for m in given["modules"] if m["path"].endswith("deep.py")) == ["numpy"]


def test_python_tests_are_functions_and_methods(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "tests/test_a.py": """
import unittest
class TestA:
    def test_one(self): ...
    def helper(self): ...
class Old(unittest.TestCase):
    async def test_two(self): ...
class Helper:
    def test_not(self): ...
async def test_three(): ...
""",
        },
    )

    assert [case["name"] for case in given["tests"][0]["cases"]] == ["TestA.test_one", "Old.test_two", "test_three"]


def test_axum_routers_nest_by_functions_and_by_variables(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "Cargo.toml": '[package]\nname = "my-shop"\n',
            "src/main.rs": """
mod api;
mod pages;
use api::items::routes as item_routes;
#[tokio::main]
async fn main() {
    let inner = axum::Router::new().route("/inner", axum::routing::get(pages::inner));
    let app = axum::Router::new()
        .nest("/api", api::router())
        .nest("/direct", Router::new().route("/in", any(handler)))
        .nest("/var", inner)
        .nest("/items", item_routes())
        .merge(pages::router());
}
""",
            "src/api/mod.rs": """
pub mod items;
pub fn router() -> Router { Router::new().nest("/v1", items::routes()).route("/up", get(|| async { "up" })) }
""",
            "src/api/items.rs": """
use crate::pages::Page;
use super::super::pages;
pub fn routes() -> Router<S> { Router::new().route("/{id}", get(find).delete(remove)) }
""",
            "src/pages.rs": """
pub fn router() -> Router { Router::new().route(HOME, get(home)) }
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn home_is_there() {}
    #[cfg(x)]
    #[tokio::test(flavor = "current_thread")]
    async fn later() {}
    fn helper() {}
}
""",
        },
    )

    assert sorted(routes(given)) == [
        "ANY /direct/in", "DELETE /api/v1/{id}", "DELETE /items/{id}", "GET /<HOME>", "GET /api/up",
        "GET /api/v1/{id}", "GET /items/{id}", "GET /var/inner",
    ]  # fmt: skip
    assert imports(given) == {
        "src/api/items.rs": ["src/pages.rs"],
        "src/api/mod.rs": ["src/api/items.rs"],
        "src/main.rs": ["src/api/items.rs", "src/api/mod.rs", "src/pages.rs"],
        "src/pages.rs": [],
    }
    assert [case["name"] for case in given["tests"][0]["cases"]] == ["tests::home_is_there", "tests::later"]


def test_rust_crates_of_a_workspace_use_each_other_by_name(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n',
            "a/Cargo.toml": '[package]\nname = "lib-a"\n',
            "a/src/lib.rs": "pub mod deep;\n",
            "a/src/deep.rs": "pub struct D;\n",
            "b/Cargo.toml": '[package]\nname = "b"\n',
            "b/src/main.rs": "use lib_a::deep::{self, D as E};\nuse serde::Serialize;\nfn main() { std::a::b(1); }\n",
        },
    )

    assert imports(given)["b/src/main.rs"] == ["a/src/deep.rs"]
    assert next(m["packages"] for m in given["modules"] if m["path"] == "b/src/main.rs") == ["serde"]


def test_spring_routes_of_every_form(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/main/java/a/C.java": """
package a;
import a.b.Paths;
import a.c.*;
import static a.b.Paths.ROOT;
import org.x.Y;
@RequestMapping(path = {"/one", "/two"})
class C {
    @GetMapping void all() {}
    @RequestMapping(value = "/x", method = {RequestMethod.PUT, RequestMethod.PATCH}) Z x() {}
    @PostMapping(Paths.P) void p() {}
    // @GetMapping("/comment")
    String s = "@GetMapping(\\"/text\\")";
}
""",
            "src/main/java/a/b/Paths.java": 'package a.b; public interface Paths { String P = "/p"; }',
            "src/main/java/a/c/Z.java": "package a.c; public record Z() {}",
            "src/main/java/a/c/Unused.java": "package a.c; class Unused {}",
            "src/test/java/a/CTest.java": """
package a;
class CTest {
    @Nested class Inner { @Test void one() { get("/one?x=1"); } }
    @ParameterizedTest @ValueSource(ints = 1) void two(int n) { new C(); }
    void helper() {}
}
""",
        },
    )

    assert routes(given) == [
        "GET /one", "GET /two", "PUT /one/x", "PATCH /one/x", "PUT /two/x", "PATCH /two/x",
        "POST /one/<Paths.P>", "POST /two/<Paths.P>",
    ]  # fmt: skip
    assert imports(given)["src/main/java/a/C.java"] == ["src/main/java/a/b/Paths.java", "src/main/java/a/c/Z.java"]
    assert [case["name"] for case in given["tests"][0]["cases"]] == ["CTest.Inner.one", "CTest.two"]
    assert covered(given) == {"src/test/java/a/CTest.java": (2, ["src/main/java/a/C.java"])}
    assert given["tests"][0]["routes"] == ["GET /one"]


def test_minimal_apis_by_groups_and_extensions_and_controllers(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/Program.cs": """
var app = builder.Build();
var api = app.MapGroup("/api").RequireAuthorization();
api.MapItems();
app.MapGroup("/admin").MapGroup("/v1").MapDelete("/all", Admin.Clear);
app.MapPost(Paths.Login, () => 1);
app.MapHealthChecks("/healthz");
""",
            "src/Items.cs": """
namespace Shop;
static class Items
{
    public static RouteGroupBuilder MapItems(this IEndpointRouteBuilder routes)
    {
        var items = routes.MapGroup("/items");
        items.MapGet("/", () => 1);
        items.MapParts();
        return items;
    }
    public static void MapParts(this IEndpointRouteBuilder routes) => routes.MapPut("/parts/{id}", Put);
}
""",
            "src/OrdersController.cs": """
[ApiController]
[Route("api/[controller]")]
public class OrdersController : ControllerBase
{
    [HttpGet] public int All() => 1;
    [HttpPost("{id:int}/[action]")] public int Pay(int id) => 1;
    [HttpGet("/absolute")] public int Absolute() => 1;
}
""",
            "tests/Shop.Tests/A.cs": """
class A
{
    [Theory, InlineData(1)] public void One(int n) { client.GetAsync($"/api/items?x={n}"); }
    [TestMethod] void Two() {}
    void No() {}
}
""",
        },
    )

    assert sorted(routes(given)) == [
        "DELETE /admin/v1/all", "GET /absolute", "GET /api/Orders", "GET /api/items",
        "POST /<Paths.Login>", "POST /api/Orders/{id:int}/Pay", "PUT /api/items/parts/{id}",
    ]  # fmt: skip
    assert [case["name"] for case in given["tests"][0]["cases"]] == ["A.One", "A.Two"]
    assert given["tests"][0]["routes"] == ["GET /api/items"]


def test_react_router_by_elements_and_by_objects(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/App.jsx": """
import { Routes, Route } from 'react-router-dom';
export const App = () => (
  <Routes>
    <Route path="/" element={<Layout />}>
      <Route index element={<Home />} />
      <Route path="items">
        <Route path=":id" element={<Item id={1} />} />
      </Route>
      <Route path={PATHS.about} Component={About} />
    </Route>
  </Routes>
);
""",
            "src/router.tsx": """
import { createBrowserRouter } from "react-router";
export const router = createBrowserRouter([
  { path: "/shop", Component: Shop, children: [
    { path: "cart", lazy: () => import("./cart") },
    { index: true, element: <Start /> },
  ] },
  { path: "not a route" },
]);
const file = { path: "/tmp/x", size: 1 };
""",
            "src/cart.ts": "export function cart() {}\n",
        },
    )

    assert [(route["path"], route["handler"]) for route in given["routes"]] == [
        ("/", "Layout"),
        ("/", "Home"),
        ("/items/:id", "Item"),
        ("/<PATHS.about>", "About"),
        ("/shop", "Shop"),
        ("/shop/cart", "./cart"),
        ("/shop", "Start"),
    ]
    assert imports(given)["src/router.tsx"] == ["src/cart.ts"]


def test_angular_children_in_a_file_of_their_own_are_below_the_path_that_loads_them(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/app.routes.ts": """
import { Routes } from '@angular/router';
export const routes: Routes = [
  { path: 'admin', loadChildren: () => import('./admin.routes').then((m) => m.ADMIN) },
  { path: 'old', redirectTo: 'new' },
];
""",
            "src/admin.routes.ts": """
import type { Routes } from '@angular/router';
export const ADMIN: Routes = [{ path: 'users', component: UsersPage }];
""",
        },
    )

    assert [(route["path"], route["handler"]) for route in given["routes"]] == [
        ("/admin/users", "UsersPage"),
        ("/old", "new"),
    ]


def test_scripts_are_imported_by_aliases_and_by_what_they_become(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"], "~lib": ["lib/index.ts"]}}}',
            "src/a.ts": "import x from '@/b.js';\nexport * from './c';\nconst d = require('./d');\nimport '~lib';\n",
            "src/b.ts": "export default 1;\n",
            "src/c/index.tsx": "import './a.css?inline';\nimport type { X } from '@scope/pkg/deep';\n",
            "src/c/a.css": "",
            "src/d.cjs": "const { x } = await import('node:fs');\n",
            "lib/index.ts": "export interface L {}\n",
            "src/w.vue": (
                "<template><p>{{ x }}</p><script>no</script></template>\n"
                "<script setup lang='ts'>\nimport A from '@/b';\n</script>"
            ),
        },
    )

    assert imports(given) == {
        "lib/index.ts": [],
        "src/a.ts": ["lib/index.ts", "src/b.ts", "src/c/index.tsx", "src/d.cjs"],
        "src/b.ts": [],
        "src/c/index.tsx": ["src/c/a.css"],
        "src/d.cjs": [],
        "src/w.vue": ["src/b.ts"],
    }
    assert next(m["packages"] for m in given["modules"] if m["path"] == "src/c/index.tsx") == ["@scope/pkg"]


def test_script_tests_have_the_names_of_their_groups(workspace: Path) -> None:
    given = found(
        workspace,
        {
            "src/a.spec.js": """
describe("a", () => {
  describe.each([1])("of %s", () => { it.only('does', () => {}); });
  test.each`x`(`is ${1}`, () => {});
  it(name, () => {});
});
test("alone", () => {});
other("no test", () => {});
""",
        },
    )

    assert [case["name"] for case in given["tests"][0]["cases"]] == ["a > of %s > does", "a > is ${1}", "alone"]


@pytest.mark.parametrize(
    ("text", "addressed"),
    [
        ("'/items/7'", True),
        ("'/items/7?x=1'", True),
        ("f'/items/{id}'", True),
        ("'/items/' + id", True),
        ("'/items'", False),
        ("'/items/7/8'", False),
        ("f'/shops/{id}/items/7'", False),
        ("f'{base}/items/7'", False),
        ("'items/7'", False),
    ],
)
def test_a_test_addresses_a_route_by_a_text_that_is_one_of_its_addresses(
    workspace: Path, text: str, addressed: bool
) -> None:
    given = found(
        workspace,
        {
            "a.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/items/{id}')\ndef get(id): ...\n",
            "tests/test_a.py": f"def test_a(client):\n    client.get({text})\n",
        },
    )

    assert given["routes"][0]["tested_by"] == (["tests/test_a.py"] if addressed else [])
    assert given["untested"] == ([] if addressed else ["a.py"])
