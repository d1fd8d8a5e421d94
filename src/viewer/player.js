/** The player's page. */
document.querySelector("h1").textContent = decodeURIComponent(location.pathname.slice(1));
