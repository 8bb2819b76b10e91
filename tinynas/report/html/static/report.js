"use strict";
tinynas.show(JSON.parse(document.getElementById("page-data").textContent));
