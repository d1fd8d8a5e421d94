/** The page of all streams. */
const response = await fetch("/api/streams");
const list = document.querySelector("ul");
for (const { name } of await response.json()) {
  const link = document.createElement("a");
  link.href = `/${name}`;
  link.textContent = name;
  const item = document.createElement("li");
  item.append(link);
  list.append(item);
}
