"use strict";
// What the scripts of all pages have at hand.
const $ = (id) => document.getElementById(id);
const element = (name, className, text, parent) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};
const counted = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
